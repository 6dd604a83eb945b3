import { Empty } from '../components/notice.tsx';

export default function NotFoundPage() {
  return (
    <Empty icon="search" wholePage title="There is no such page">
      <p>The address may be mistyped, or what it showed is gone.</p>
      <a class="button" href="/library">To the library</a>
    </Empty>
  );
}
