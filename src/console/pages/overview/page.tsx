import { definePage, type Visit } from '../../page.ts';

export default definePage({
  path: '',
  title: 'Overview',
  menu: 0,
  actions: {
    '': {
      show: (visit: Visit) => ({
        body: (
          <>
            <ul class="cards">
              {visit.offered
                .filter((page) => page.path !== '')
                .map((page) => (
                  <li class="card" key={page.path}>
                    <a href={visit.href(page.path)}>{page.title}</a>
                    <p class="note">{page.about}</p>
                  </li>
                ))}
            </ul>
            <section aria-labelledby="addresses">
              <h2 id="addresses">Addresses</h2>
              <dl class="facts">
                <dt>API</dt>
                <dd>
                  <code>{visit.platform.api}</code>
                </dd>
                <dt>Issuer</dt>
                <dd>
                  <code>{visit.platform.issuer}</code>
                </dd>
                <dt>Registry</dt>
                <dd>
                  <code>{visit.platform.registry}</code>
                </dd>
              </dl>
            </section>
          </>
        ),
      }),
    },
  },
});
