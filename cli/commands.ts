import { APP_COMMANDS } from "./apps/command.ts";
import { AUDIT_COMMANDS } from "./audit/command.ts";
import { CAPACITY_COMMANDS } from "./capacity/command.ts";
import type { Command } from "./command.ts";
import { CONFIG_COMMANDS } from "./config/command.ts";
import { DEAD_COMMANDS } from "./dead-letters/command.ts";
import { DEV_COMMANDS } from "./dev/commands.ts";
import { DOCTOR_COMMANDS } from "./doctor/command.ts";
import { GATEWAY_COMMANDS } from "./gateway/command.ts";
import { USER_COMMANDS } from "./gateway/user.ts";
import { LIST_COMMANDS } from "./lists/command.ts";
import { PREFERENCE_COMMANDS } from "./preferences/command.ts";
import { MEMORY_COMMANDS } from "./preferences/memory-command.ts";
import { PROVISION_COMMANDS } from "./provision/command.ts";
import { STEERING_COMMANDS } from "./steering/command.ts";
import { SUPPRESSION_COMMANDS } from "./suppressions/command.ts";

/** By one word, by two ("dead list") or by three ("app key add"). In the order of `carillon help`. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ...DEV_COMMANDS,
  ...GATEWAY_COMMANDS,
  ...USER_COMMANDS,
  ...APP_COMMANDS,
  ...PREFERENCE_COMMANDS,
  ...AUDIT_COMMANDS,
  ...DEAD_COMMANDS,
  ...STEERING_COMMANDS,
  ...SUPPRESSION_COMMANDS,
  ...PROVISION_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...CAPACITY_COMMANDS,
  ...MEMORY_COMMANDS,
  ...LIST_COMMANDS,
  ...CONFIG_COMMANDS,
};
