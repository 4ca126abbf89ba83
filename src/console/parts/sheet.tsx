import type { ComponentChildren } from 'preact';

/** A pane over the page, as the founding documents have it. Our script makes it modal; without scripts it is a part of the page. */
export function Sheet({
  title,
  back,
  children,
}: {
  readonly title: string;
  /** Where closing it leads. */
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
