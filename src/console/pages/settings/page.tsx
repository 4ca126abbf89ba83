import { definePage, type Visit } from '../../page.ts';

const path = 'settings';

export default definePage({
  path,
  title: 'Settings',
  menu: 30,
  actions: {
    '': {
      show: (visit: Visit) => ({
        body: (
          <ul class="cards">
            {visit.offered
              .filter((page) => page.path.startsWith(`${path}/`))
              .map((page) => (
                <li class="card" key={page.path}>
                  <a href={visit.href(page.path)}>{page.title}</a>
                  <p class="note">{page.about}</p>
                </li>
              ))}
            <li class="card">
              <a href={visit.href('welcome')}>Another organization</a>
              <p class="note">
                Create one, or <a href={visit.href('welcome', 'invite')}>enter an invite code</a> to join one.
              </p>
            </li>
          </ul>
        ),
      }),
    },
  },
});
