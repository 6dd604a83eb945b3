import { posix } from 'node:path';

/** One mounted cgroup hierarchy and our folder in it. */
export interface CgroupPlace {
  /** Where the hierarchy is mounted. */
  mount: string;
  /** Our own folder, as seen here; equals `mount` in a container with a view of its own. */
  folder: string;
}

interface Mount {
  root: string;
  mount: string;
  type: string;
  superOptions: string[];
}

const OCTAL = /\\([0-7]{3})/g;
const unescape = (path: string): string => path.replace(OCTAL, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Lines of /proc/self/mountinfo: id, parent, device, root, mount point, options, …, `-`, type, source, options. */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, mount] = left.split(' ');
    const [type, , superOptions = ''] = right.split(' ');
    return root === undefined || mount === undefined || type === undefined ? [] : [{ root: unescape(root), mount: unescape(mount), type, superOptions: superOptions.split(',') }];
  });
}

/** A path of /proc/self/cgroup under this mount; null when the mount shows another part of the hierarchy. */
function under({ root, mount }: Mount, path: string): string | null {
  if (path.split('/').includes('..')) return null;
  const inside = root === '/' ? path : path.slice(root.length);
  if (root !== '/' && path !== root && !path.startsWith(`${root}/`)) return null;
  return inside === '' || inside === '/' ? mount : posix.join(mount, inside);
}

function place(mounts: readonly Mount[], path: string | undefined): CgroupPlace | null {
  if (path === undefined) return null;
  for (const mount of mounts) {
    const folder = under(mount, path);
    if (folder !== null) return { mount: mount.mount, folder };
  }
  return null;
}

/** The path of `/proc/self/cgroup`'s line for which `matches` holds. */
function pathOf(selfCgroup: string, matches: (id: string, controllers: string[]) => boolean): string | undefined {
  for (const line of selfCgroup.split('\n')) {
    const [id, controllers, ...path] = line.split(':');
    if (id !== undefined && controllers !== undefined && path.length > 0 && matches(id, controllers.split(','))) return path.join(':');
  }
  return undefined;
}

/** Our folder in the unified hierarchy (cgroup v2); null where there is none or it is out of sight. */
export function locateUnified(mountinfo: string, selfCgroup: string): CgroupPlace | null {
  return place(parseMounts(mountinfo).filter(({ type }) => type === 'cgroup2'), pathOf(selfCgroup, (id, [first]) => id === '0' && first === ''));
}

/** Our folder in the memory hierarchy of cgroup v1. */
export function locateMemoryV1(mountinfo: string, selfCgroup: string): CgroupPlace | null {
  const mounts = parseMounts(mountinfo).filter(({ type, superOptions }) => type === 'cgroup' && superOptions.includes('memory'));
  return place(mounts, pathOf(selfCgroup, (_id, controllers) => controllers.includes('memory')));
}

/** The folder and those above it, up to the mount; a limit on any of them counts. */
export function upToMount({ mount, folder }: CgroupPlace): string[] {
  const folders = [folder];
  for (let at = folder; at !== mount && at.startsWith(mount) && at !== '/'; ) {
    at = posix.dirname(at);
    folders.push(at);
  }
  return folders;
}
