/**
 * State that a hart has with an extension: a component of its own, which other harts lack. Its CSRs are computed
 * ones, since generated code finds bits in a hart's own component only.
 */
import {
  type Component,
  defineState,
  type Layout,
  type StateOf,
  StatePlan,
  u32,
  u64,
  u64s,
  words,
} from '../state/layout.js';
import type { HartConfig } from './privileged.js';

export const TRIGGERS = 2;
/** Of type 2 after a reset: address match. */
const FIRST_TYPE = 2;

const SDTRIG_STATE = defineState('sdtrig', {
  tselect: u32(),
  types: words(TRIGGERS, Array<number>(TRIGGERS).fill(FIRST_TYPE)),
  /** tdata1 but for the type. */
  controls: words(TRIGGERS),
  addresses: u64s(TRIGGERS),
});

export type SdtrigState = StateOf<typeof SDTRIG_STATE>;

const SSTC_STATE = defineState('sstc', { stimecmp: u64() });

export type SstcState = StateOf<typeof SSTC_STATE>;

/** By the extension's name. */
const EXTENSION_STATES = { sdtrig: SDTRIG_STATE, sstc: SSTC_STATE } as const satisfies Readonly<
  Record<string, Layout>
>;

type States = typeof EXTENSION_STATES;

export type ExtensionStates = { readonly [N in keyof States]?: StateOf<States[N]> };

type Components = readonly { readonly extension: string; readonly component: Component }[];

/** Reserves the components of one hart. */
export function planExtensionStates(plan: StatePlan, hart: string, { extensions }: HartConfig): Components {
  const layouts = Object.entries(EXTENSION_STATES as Readonly<Record<string, Layout>>);
  return layouts
    .filter(([extension]) => extensions.has(extension))
    .map(([extension, layout]) => ({ extension, component: plan.add(`${hart}.${extension}`, layout) }));
}

export const bindExtensionStates = (
  components: Components,
  bind: (component: Component) => unknown,
): ExtensionStates =>
  Object.fromEntries(components.map(({ extension, component }) => [extension, bind(component)]));

/** States that belong to no machine. */
export function unboundExtensionStates(config: HartConfig): ExtensionStates {
  const plan = new StatePlan();
  const components = planExtensionStates(plan, '', config);
  const buffer = new ArrayBuffer(plan.byteLength);
  return bindExtensionStates(components, ({ layout, offset }) => layout.bind(buffer, offset));
}

export function copyExtensionStates(from: ExtensionStates, to: ExtensionStates): void {
  const layouts: Readonly<Record<string, Layout>> = EXTENSION_STATES;
  const [source, target]: Readonly<Record<string, ReturnType<Layout['bind']>>>[] = [from, to];
  for (const name of Object.keys(from)) layouts[name].copy(source[name], target[name]);
}
