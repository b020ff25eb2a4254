/** When every input is read. */
export const NOW = Date.UTC(2026, 11, 1, 12);

export const FORM = "application/x-www-form-urlencoded";
