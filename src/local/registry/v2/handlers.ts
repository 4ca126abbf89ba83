// Operations of v2 in this module. Guarantees: these are translations; what is valid, allowed and remembered is decided
// by the functions of v1.

import { handlersOfBoth } from '../../api/versions/both.ts';
import * as images from './images.ts';
import * as repos from './repos.ts';
import * as tags from './tags.ts';

export const handlers = handlersOfBoth({
  'registry.v2.ImagesService.GetArchitectures': images.getArchitectures,
  'registry.v2.ImagesService.GetSize': images.getSize,
  'registry.v2.ReposService.GetRepo': repos.getRepo,
  'registry.v2.ReposService.CreateRepo': repos.createRepo,
  'registry.v2.ReposService.UpdateRepo': repos.updateRepo,
  'registry.v2.ReposService.DeleteRepo': repos.deleteRepo,
  'registry.v2.ReposService.ListRepos': repos.listRepos,
  'registry.v2.ReposService.GetRepoReadme': repos.getRepoReadme,
  'registry.v2.ReposService.UpdateRepoReadme': repos.updateRepoReadme,
  'registry.v2.TagsService.GetTag': tags.getTag,
  'registry.v2.TagsService.ListTags': tags.listTags,
  'registry.v2.TagsService.CreateTag': tags.createTag,
  'registry.v2.TagsService.DeleteTag': tags.deleteTag,
});
