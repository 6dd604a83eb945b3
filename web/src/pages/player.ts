import { lazy } from '../components/lazy.tsx';

export const PlayerPage = lazy(() => import('../player/page.tsx'));
