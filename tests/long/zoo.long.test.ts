/** Every difficult source, encoded and, where that is possible, cut: in its place, as long and in the shape it should be, or refused with a reason. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Station } from '../conformance/station.ts';
import { catchAnimal, ZOO } from '../conformance/zoo.ts';
import { visit } from '../conformance/zoo-visit.ts';

let station: Station;

beforeAll(async () => {
  station = await Station.start();
}, 120_000);
afterAll(() => station.stop());

describe('the zoo', () => {
  it.each(ZOO)('$name', async (animal) => {
    const path = await catchAnimal(animal, (name) => station.at(name));
    const film = await station.film(path);
    expect(await visit(animal, film, station)).toEqual([]);
    await rm(path, { force: true });
  }, 120_000);
});
