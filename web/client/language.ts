/** For `lang` of a text in Hangul, so that lines break between words. */
export const languageOf = (text: string): string | undefined => (/[\u1100-\u11ff\uac00-\ud7af]/.test(text) ? "ko" : undefined);
