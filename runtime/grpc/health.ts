import { type Server, type ServiceDefinition, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

type AddService = (definition: ServiceDefinition, implementation: UntypedServiceImplementation) => void;

/** grpc.health.v1 for these services, "" and "readiness", which begin as NOT_SERVING; "liveness" is always SERVING. Returns what sets the others. */
export function addHealth(addService: AddService, services: readonly string[]): (serving: boolean) => void {
  const names = ["", "readiness", ...services];
  const health = new HealthImplementation({ liveness: "SERVING" });
  const setServing = (serving: boolean) => {
    for (const name of names) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  setServing(false);
  const known = new Set(["liveness", ...names]);
  addServices((definition, implementation) => {
    const { watch } = implementation as Record<string, (call: WatchCall) => void>;
    if (!watch) throw new Error("grpc-health-check has no Watch");
    addService(definition, {
      ...implementation,
      // The package keeps the name of each service that was ever watched.
      watch(call: WatchCall) {
        if (known.has(call.request.service)) watch(call);
        else call.emit("error", { code: status.NOT_FOUND, details: "no such service" });
      },
    });
  }, health);
  return setServing;
}

interface WatchCall {
  request: { service: string };
  emit(event: "error", error: { code: status; details: string }): void;
}

/** grpc-js' companions add themselves to a server, of which they use one method. */
export const addServices = (addService: AddService, to: { addToServer(server: Server): void }): void =>
  to.addToServer({ addService } as unknown as Server);
