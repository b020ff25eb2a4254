import { Parser } from "htmlparser2";
import { LOGO_BYTES_MAX, type Logo } from "../../core/apps/brand.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Shapes and what fills them. No text, whose fonts differ; no style, script, animation, foreign content, link or file from elsewhere. */
const SVG_ELEMENTS = new Set(
  "svg g path circle ellipse rect line polyline polygon title desc defs use symbol clipPath mask linearGradient radialGradient stop".split(
    " ",
  ),
);
const SVG_ATTRIBUTES =
  /^(xmlns|xmlns:xlink|version|id|class|viewBox|preserveAspectRatio|width|height|x[12]?|y[12]?|c[xy]|r[xy]?|f[xyr]|d|points|pathLength|transform|opacity|color|clip-path|clip-rule|clipPathUnits|mask|maskUnits|maskContentUnits|gradientUnits|gradientTransform|spreadMethod|offset|stop-(color|opacity)|fill(-rule|-opacity)?|stroke(-[a-z]+)?|href|xlink:href|role|aria-[a-z]+|focusable)$/;
/** Pixels; a logo is shown at 28. */
const PNG_SIDE_MAX = 512;
const PNG_SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");
/** Signature, length and name of the first chunk, then width and height. */
const PNG_HEAD_BYTES = 24;

/** Checks a file and takes it as a logo. Nothing is mended: what is not allowed is an OperatorError that names it. */
export function logoOf(file: Buffer): Logo {
  if (file.length > LOGO_BYTES_MAX) refuse(`has ${file.length} bytes, and may have ${LOGO_BYTES_MAX}`);
  if (file.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) {
    if (file.length < PNG_HEAD_BYTES || file.toString("latin1", 12, 16) !== "IHDR") refuse("is cut off");
    const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
    if (width > PNG_SIDE_MAX || height > PNG_SIDE_MAX)
      refuse(`is ${width} × ${height} pixels, and may be ${PNG_SIDE_MAX} × ${PNG_SIDE_MAX}`);
    return { type: "image/png", base64: file.toString("base64") };
  }
  checkSvg(file.toString("utf8"));
  return { type: "image/svg+xml", base64: file.toString("base64") };
}

function checkSvg(text: string): void {
  let depth = 0;
  let roots = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (depth === 0) {
          roots += 1;
          if (name !== "svg" || attributes.xmlns !== "http://www.w3.org/2000/svg") refuse("must be a PNG, or an SVG with its xmlns");
        }
        depth += 1;
        if (!SVG_ELEMENTS.has(name)) refuse(`has the element <${shown(name)}>: only shapes and gradients are allowed`);
        for (const [attribute, value] of Object.entries(attributes)) checkAttribute(name, attribute, value);
      },
      onclosetag() {
        depth -= 1;
      },
      onprocessinginstruction(name) {
        if (name !== "?xml") refuse(`has <${shown(name)}: only <?xml is allowed`);
      },
      oncdatastart: () => refuse("has a CDATA section"),
    },
    { xmlMode: true, decodeEntities: true, recognizeSelfClosing: true },
  );
  // Entities of its own would need a DOCTYPE, which is refused.
  parser.write(text);
  if (depth > 0) refuse("is not well formed: an element is not closed");
  parser.end();
  if (roots !== 1) refuse("must be a PNG, or an SVG with one <svg>");
}

function checkAttribute(element: string, name: string, value: string): void {
  if (!SVG_ATTRIBUTES.test(name)) refuse(`has the attribute ${shown(name)} of <${element}>, which is not allowed`);
  const isReference = name === "href" || name === "xlink:href";
  if (isReference && !value.startsWith("#")) refuse(`refers to something else by ${name}: only "#id" is allowed`);
  if (/url\(\s*["']?(?!#)/i.test(value)) refuse(`refers to something else by ${name}: only url(#id) is allowed`);
}

const shown = (name: string) => name.slice(0, 40).replaceAll(/[^\w:!?-]/g, "");

function refuse(what: string): never {
  throw new OperatorError(`the logo ${what}`);
}
