/** What a person may do: look at masked data; besides, see one recipient unmasked for a reason that is logged; besides, change things. */
export const ROLES = ["viewer", "support", "operator"] as const;
export type Role = (typeof ROLES)[number];

/** Who is signed in to the console. */
export interface Session {
  /** For the audit log: an address, a login name, or the provider's id of the person. */
  name: string;
  role: Role;
}

/** Whether the session's role is `least` or one that may do more. */
export const hasRole = (session: Session, least: Role): boolean => ROLES.indexOf(session.role) >= ROLES.indexOf(least);
