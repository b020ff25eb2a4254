const LANGUAGE_TAG = "must be a language tag (BCP 47) such as en or pt-BR: letters and digits, with - between its parts";
const NAME = "must be 1 to 64 of a-z, 0-9, dot, underscore and hyphen, and begin with a letter or digit";
const VISIBLE = "must be printable ASCII without spaces";
const HEXADECIMAL = "must be hexadecimal: 0-9, a-f, A-F";
const orEmpty = (words: string) => `${words}; or be left out`;

/** What each string.pattern of proto/ asks for, for people: a regular expression says it to programs alone. */
const WORDS: Readonly<Record<string, string>> = {
  "^[!-~]+$": VISIBLE,
  "^[!-~]*$": VISIBLE,
  "^[!-~]{1,64}$": `${VISIBLE}, 1 to 64 characters`,
  "^[^\\x00-\\x1f\\x7f]*$": "must have no control characters, such as line breaks and tabs",
  "^[^\\r\\n]+$": "must be one line: no line breaks, at least 1 character",
  "^[^\\r\\n<>]*$": "must be one line, without < and >",
  "^[^\\r\\n/\\\\]+$": "must be a file's name alone: no / and \\, no line breaks",
  "^https://[^\\s]+$": "must be an https URL without spaces",
  "^\\+[1-9][0-9]{6,14}$":
    "must be in E.164 form, such as +4915112345678: a plus, the country's calling code, 7 to 15 digits in all, no spaces",
  "^[a-z0-9][a-z0-9._-]{0,63}$": NAME,
  "^([a-z0-9][a-z0-9._-]{0,63})?$": orEmpty(NAME),
  "^[a-z][a-z0-9_.-]{0,39}$": "must be 1 to 40 of a-z, 0-9, dot, underscore and hyphen, and begin with a letter",
  "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$": LANGUAGE_TAG,
  "^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$": orEmpty(LANGUAGE_TAG),
  "^[A-Za-z0-9+_/-]+$": "must be a time zone's IANA name, for example Asia/Seoul",
  "^(auto|ltr|rtl)?$": orEmpty("must be auto, ltr or rtl"),
  "^[0-9a-fA-F]+$": HEXADECIMAL,
  "^[0-9a-f]{32}$": "must be an id of Carillon's: 32 of 0-9 and a-f",
  "^([0-9a-f]{32})?$": orEmpty("must be an id of Carillon's: 32 of 0-9 and a-f"),
  "^[0-9a-f]{64}$": "must be 64 of 0-9 and a-f",
  "^([0-9a-f]{64})?$": orEmpty("must be 64 of 0-9 and a-f"),
  "^([0-9]{1,15}-[0-9a-f]{32})?$": "must be the next_page_token of an answer; or be left out",
  "^[a-z-]{0,40}$": "must be a reason's code, such as endpoint-gone: at most 40 of a-z and hyphen",
  "^([a-z][a-z0-9_.-]{0,39}=[^\\x00-\\x1f\\x7f]*)?$": orEmpty("must be key=value, such as order=4711"),
  "^[0-9A-Za-z_:.-]+$": "must be of A-Z, a-z, 0-9, underscore, colon, dot and hyphen",
  "^[0-9A-Za-z_-]+$": "must be of A-Z, a-z, 0-9, underscore and hyphen",
  "^[A-Za-z0-9.-]+$": "must be of A-Z, a-z, 0-9, dot and hyphen",
  "^[A-Za-z0-9-]{1,64}$": "must be 1 to 64 of A-Z, a-z, 0-9 and hyphen",
  "^[0-9A-Za-z._-]{0,64}$": "must be at most 64 of A-Z, a-z, 0-9, dot, underscore and hyphen",
  "^[0-9A-Za-z@._-]{0,64}$": "must be at most 64 of A-Z, a-z, 0-9, @, dot, underscore and hyphen",
  "^[0-9A-Za-z][0-9A-Za-z ._:/-]{0,49}$": "must be 1 to 50 of A-Z, a-z, 0-9, space and . _ : / -, and begin with a letter or digit",
  "^apns-[a-z0-9-]{1,58}$": "must begin with apns-, and be of a-z, 0-9 and hyphen",
  "^(PUBLISH|REQUEST|REPLY|ADD|CANCEL|REFRESH|COUNTER|DECLINECOUNTER)$":
    "must be one of PUBLISH, REQUEST, REPLY, ADD, CANCEL, REFRESH, COUNTER, DECLINECOUNTER",
  "^[0-9A-Za-z][0-9A-Za-z.+_-]*/[0-9A-Za-z][0-9A-Za-z.+_-]*( *; *[0-9A-Za-z!#$%&'*+.^_`|~-]+=([0-9A-Za-z!#$%&'*+.^_`|~-]+|\"([ !#-\\[\\]-~]|\\\\[ -~])*\"))*$":
    "must be a media type, such as application/pdf or text/csv; charset=utf-8",
};

/** Undefined for a pattern that has no words here yet. */
export const wordsOfPattern = (pattern: string): string | undefined => (Object.hasOwn(WORDS, pattern) ? WORDS[pattern] : undefined);
