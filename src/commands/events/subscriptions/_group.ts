import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['events', 'subscriptions'],
  summary: 'Manage where events are sent.',
  aliases: ['subscription', 'subs', 'sub'],
});
