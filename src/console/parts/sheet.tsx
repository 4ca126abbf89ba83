import type { ComponentChildren } from 'preact';
import type { Shown, Visit } from '../page.ts';

/**
 * A pane over the page, as the founding documents have it. Our script makes it modal; without scripts it is a part of
 * the page.
 */
function Sheet({
  title,
  back,
  children,
}: {
  readonly title: string;
  /** Address after closing. */
  readonly back: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <dialog open class="sheet" aria-labelledby="sheet-title" data-modal data-back={back}>
      <header>
        <h2 id="sheet-title">{title}</h2>
        <a class="button close" href={back} aria-label="Close">
          ✕
        </a>
      </header>
      {children}
    </dialog>
  );
}

export interface SheetOver {
  /** Of the page that it lies over. */
  readonly path: string;
  readonly behind: (visit: Visit) => Promise<Shown>;
  /** Of the window; of the pane too unless that has a `heading`. */
  readonly title: string;
  readonly heading?: string;
  /** Address after closing. */
  readonly back: string;
  readonly children: ComponentChildren;
}

/** A pane over a page, whose lists lead to that page and not to the address of the pane. */
export async function sheetOver(visit: Visit, over: SheetOver): Promise<Shown> {
  const { path, behind, title, heading = title, back, children } = over;
  return {
    ...(await behind({ ...visit, here: visit.href(path) })),
    title,
    dialog: (
      <Sheet title={heading} back={back}>
        {children}
      </Sheet>
    ),
  };
}
