import type { Pagination } from '@reelay/contracts';
import { count, plural } from '../model/format.ts';
import { Icon } from './icon.tsx';

export function Pager({ pagination, what, href }: { pagination: Pagination; what: string; href: (page: number) => string }) {
  const { page, totalPages, total } = pagination;
  if (total === 0) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <span class="muted">{plural(total, what)}</span>
      {totalPages > 1 && (
        <span class="row tight">
          <Step to={page > 1 ? href(page - 1) : null} label="Previous page" icon="left" />
          <span>Page {count(page)} of {count(totalPages)}</span>
          <Step to={page < totalPages ? href(page + 1) : null} label="Next page" icon="right" />
        </span>
      )}
    </nav>
  );
}

function Step({ to, label, icon }: { to: string | null; label: string; icon: 'left' | 'right' }) {
  return to === null
    ? <span class="icon-button" aria-hidden="true" data-off><Icon name={icon} /></span>
    : <a class="icon-button" href={to} aria-label={label} title={label}><Icon name={icon} /></a>;
}
