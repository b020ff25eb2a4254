import { useEffect, useRef, useState } from "preact/hooks";

/** What each key does, by KeyboardEvent.key. */
export type Keys = Readonly<Record<string, () => void>>;

const SETTING = "carillon-keys";
const FIELD = "input, select, textarea, [contenteditable]";

/**
 * Acts on single keys that are pressed outside of fields and without Ctrl, Alt or Meta. Returns whether they are on, and a function that turns them on
 * or off: some people speak their input, and a stray letter must not act (WCAG 2.1.4).
 */
export function useKeys(keys: Keys): [isOn: boolean, set: (isOn: boolean) => void] {
  const latest = useRef(keys);
  latest.current = keys;
  const [isOn, setOn] = useState(localStorage.getItem(SETTING) !== "off");
  useEffect(() => {
    if (!isOn) return;
    const pressed = (event: KeyboardEvent) => {
      const { target } = event;
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (target instanceof Element && (target.matches(FIELD) || target.closest("dialog") !== null)) return;
      const act = latest.current[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [isOn]);
  const set = (next: boolean) => {
    localStorage.setItem(SETTING, next ? "on" : "off");
    setOn(next);
  };
  return [isOn, set];
}
