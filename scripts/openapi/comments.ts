import type { DescFile } from "@bufbuild/protobuf";
import type { DescriptorProto } from "@bufbuild/protobuf/wkt";

/** Comments of a descriptor set, by full name: of messages, fields (carillon.v1.Notification.recipient), enums and their values, services and methods. */
export type Comments = ReadonlyMap<string, string>;

/** Numbers of fields in descriptor.proto, of which paths in a file consist. */
const [MESSAGE, ENUM, SERVICE] = [4, 5, 6];
const [FIELD, NESTED, NESTED_ENUM, VALUE, METHOD] = [2, 3, 4, 2, 2];

export function commentsOf(files: Iterable<DescFile>): Comments {
  const found = new Map<string, string>();
  for (const { proto } of files) {
    const byPath = new Map(
      (proto.sourceCodeInfo?.location ?? []).map(({ path, leadingComments }) => [path.join("."), paragraph(leadingComments)]),
    );
    const note = (name: string, ...path: number[]) => {
      const comment = byPath.get(path.join("."));
      if (comment) found.set(name, comment);
    };
    const enums = (list: DescriptorProto["enumType"], within: string, path: number[]) => {
      for (const [i, { name, value }] of list.entries()) {
        note(`${within}.${name}`, ...path, i);
        for (const [n, { name: valueName }] of value.entries()) note(`${within}.${name}.${valueName}`, ...path, i, VALUE, n);
      }
    };
    const messages = (list: readonly DescriptorProto[], within: string, path: number[]) => {
      for (const [i, { name, field, nestedType, enumType }] of list.entries()) {
        const full = `${within}.${name}`;
        note(full, ...path, i);
        for (const [n, { name: fieldName }] of field.entries()) note(`${full}.${fieldName}`, ...path, i, FIELD, n);
        messages(nestedType, full, [...path, i, NESTED]);
        enums(enumType, full, [...path, i, NESTED_ENUM]);
      }
    };
    messages(proto.messageType, proto.package, [MESSAGE]);
    enums(proto.enumType, proto.package, [ENUM]);
    for (const [i, { name, method }] of proto.service.entries()) {
      note(`${proto.package}.${name}`, SERVICE, i);
      for (const [n, { name: methodName }] of method.entries()) note(`${proto.package}.${name}.${methodName}`, SERVICE, i, METHOD, n);
    }
  }
  return found;
}

/** Lines of a comment as running text; an empty line stays. */
const paragraph = (comment: string): string =>
  comment
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim()
    .replace(/([^\n])\n(?=[^\n])/g, "$1 ");
