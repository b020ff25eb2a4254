/**
 * Beginnings of premium-rate, shared-cost, satellite and other numbers that no person's phone has, and that cost much: premium-rate and
 * shared-cost ranges of every country in which no fixed or mobile number lies, from the metadata of libphonenumber 9 (2026), and the ITU's
 * codes without a country. Fraudsters have messages sent there for a share of their price (SMS pumping).
 */
const COSTLY_PREFIXES: readonly string[] = `
  +1900 +2090 +21289 +2138 +2168 +2218 +2270 +23030 +231332 +2368 +2409 +2428 +2488 +2509 +2549 +2558 +2559 +2569 +2628
  +26487 +2679 +26890 +2698 +27860 +27862 +27863 +27864 +27865 +27866 +27867 +27868 +27869 +279 +29790 +29890 +308 +3090
  +3190 +3270 +327879 +3290 +3381 +3382 +3383 +3384 +3385 +3386 +3388 +3389 +3480 +3490 +351601 +351607 +351608 +35164
  +35176 +35180 +352801 +352900 +352901 +352905 +35490 +35580 +3559 +356500 +356506 +356507 +356509 +35651 +35652 +3578
  +35790 +358600 +358700 +359700 +35990 +3690 +3691 +370808 +370900 +370902 +370903 +370909 +37091 +3718 +3719 +37240
  +3729 +373808 +3739 +37480 +37490 +3758 +3759 +3761 +3769 +3787 +38090 +38178 +3819 +3829 +3839 +38560 +38561 +38564
  +38565 +38569 +38689 +3869 +3878 +3879 +3895 +3898 +390878 +3914 +3916 +398 +40801 +409 +4184 +4190 +4208 +42090 +420976
  +42185 +42186 +42187 +42188 +42189 +421900 +42197 +42198 +42390 +438 +439 +448 +449 +4590 +46649 +4677 +46900 +46939
  +46944 +4699 +4781000 +4781001 +4781002 +4781003 +4781004 +4781005 +4781006 +478102 +478103 +478104 +478105 +478106
  +478107 +478108 +4782 +4870 +48801 +4913 +49180 +49900 +5021 +5039 +5069 +507822 +507855 +50786 +507877 +507878 +507886
  +507900 +507981 +51801 +51805 +5230 +5290 +53807 +5460 +5530 +5540 +55486 +5550 +5590 +571 +5790 +589 +59081 +59082
  +59089 +59290 +59481 +59482 +59489 +59681 +59682 +59689 +59790 +59890 +5996 +6113 +6119 +62804 +62809 +641 +645 +6490
  +6519 +6709 +68736 +7803 +7809 +800 +808 +81990 +8260 +84190 +852900 +86160 +86168 +8640 +86950 +870 +878 +881 +882 +883
  +88620 +888 +9088 +9089 +909 +911860 +911861 +9290 +96285 +9629 +9669 +968900 +970170 +97170 +97190 +97212 +97217 +97219
  +9738 +9739 +979 +991
`
  .trim()
  .split(/\s+/);

/**
 * Whether a number (E.164) lies in what is allowed. Where `prefixes` is absent, every country is. A costly number is allowed only where a prefix names
 * at least its range: "+1" does not allow +1 900 numbers, "+1900" does.
 */
export function smsDestinationAllowed(number: string, prefixes: readonly string[] | undefined): boolean {
  const allowed = prefixes === undefined ? 1 : longestPrefix(number, prefixes);
  return allowed > 0 && allowed >= longestPrefix(number, COSTLY_PREFIXES);
}

/** The length of the longest of these that the number begins with; 0: with none. */
const longestPrefix = (number: string, prefixes: readonly string[]) =>
  prefixes.reduce((longest, prefix) => (prefix.length > longest && number.startsWith(prefix) ? prefix.length : longest), 0);
