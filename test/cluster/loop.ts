// The closed loop: the HPA controller of Kubernetes, our autoscaler behind an APIService, NATS, and every pod a process. Load goes up and
// down, a provider is unavailable, the metric is missing, every pod is replaced. The result is drawn, and must keep the promises.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { replicasFor } from "../../core/scaling/scaling.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { CHART } from "../../scripts/chart/helm.ts";
import type { Cluster } from "./cluster.ts";
import { ANSWER_MS, AVERAGE, loopValues, PEAK, SCALING } from "./loop-values.ts";
import { picture } from "./picture.ts";
import { NAMESPACE, type System, startSystem } from "./system.ts";
import { highest, lowest, middle, type Sample, within } from "./timeline.ts";
import { startTraffic, type Traffic } from "./traffic.ts";
import { startWatch, type Watch } from "./watch.ts";

const PICTURE = join(import.meta.dirname, "../../docs/images/closed-loop.svg");
const RELEASE = "carillon";
const CHANNEL = "webpush";
const HELM_MS = 240_000;
/** Time for the provider to answer everything. */
const EMPTY_MS = 60_000;
/** Oldest delivery while the provider answers, in s. Below WATCHDOG_FIRST_MS: a delivery that the watchdog publishes again is older. */
const LATEST_S = 25;
/** The HPA does nothing while it is off by less than this. */
const TOLERANCE = 0.1;

const required = (s: Sample) => s.required;
const ready = (s: Sample) => s.ready;
const wanted = (s: Sample) => s.wanted;

export function closedLoop(cluster: () => Cluster, say: (line: string) => void): void {
  describe("closed loop: HPA, autoscaler, NATS, and a process for every pod", () => {
    const stack = new AsyncDisposableStack();
    let system: System;
    let traffic: Traffic;
    let watch: Watch;
    let broken = 0;
    let slow: number;

    /** As `it`; without its world it does not run, and a picture of what failed is not kept. */
    const scene = (name: string, what: () => Promise<void>) =>
      it(name, async () => {
        try {
          await what();
        } catch (error) {
          broken++;
          throw error;
        }
      });

    before(async () => {
      system = stack.use(await startSystem(cluster(), say));
      slow = system.sandbox.faults.order({ provider: "webpush", times: 1e9, do: { kind: "delay", ms: ANSWER_MS } });
      await upgrade({});
      const [gateway] = system.kubelet.ready("gateway");
      assert.ok(gateway, "a gateway is ready");
      const service = await cluster().api.get<{ spec: { clusterIP: string } }>(
        `/api/v1/namespaces/${NAMESPACE}/services/${RELEASE}-gateway`,
      );
      traffic = stack.use(
        startTraffic({ address: `${service?.spec.clusterIP}:7700`, apiKey: system.apiKey, sandbox: system.sandbox, rate: AVERAGE }),
      );
      watch = stack.use(startWatch(cluster(), system, traffic, { channel: CHANNEL, release: RELEASE }));
    });
    after(() => stack.disposeAsync());

    /** The release with these values over its own. */
    const upgrade = (over: object) => {
      const values = join(system.directory, "values.json");
      writeFileSync(values, JSON.stringify(loopValues(system)));
      const more = join(system.directory, "more.json");
      writeFileSync(more, JSON.stringify(over));
      const args = [
        "upgrade",
        "--install",
        RELEASE,
        CHART,
        "-n",
        NAMESPACE,
        "-f",
        values,
        "-f",
        more,
        "--wait",
        "--timeout",
        `${HELM_MS / 1_000}s`,
      ];
      return cluster().helm(args, { withinMs: HELM_MS + 10_000 });
    };

    scene("passes helm test, whose pod asks the gateway", async () => {
      assert.match(await cluster().helm(["test", RELEASE, "-n", NAMESPACE]), /Phase:\s+Succeeded/);
    });

    scene("keeps one pod at the average load", () =>
      watch.scene("average load", async () => {
        await watch.until("the HPA is active", (s) => s.scalingActive === true, 60_000);
        const from = watch.now();
        await delay(15_000);
        const seen = watch.since(from);
        assert.equal(highest(seen, ready), 1);
        near(middle(seen, required), 1.1 * AVERAGE, 0.35);
      }),
    );

    scene("reaches the pods the formula gives at ten times the load, and no delivery waits longer than promised", () =>
      watch.scene("ten times the load", async () => {
        traffic.rate = PEAK;
        const from = watch.now();
        await watch.until("more pods", (s) => s.ready >= replicasFor(1.1 * PEAK, SCALING), 60_000);
        await watch.until("no backlog", (s) => s.oldest < 3, 90_000);
        await delay(15_000);
        const steady = watch.since(watch.now() - 10);
        near(middle(steady, required), 1.1 * PEAK, 0.3);
        followsTheFormula(steady);
        assert.ok(highest(watch.since(from), (s) => s.oldest) < SCALING.maxAgeMs / 1_000, "no delivery waited longer than promised");
      }),
    );

    scene("gives the pods back when the load is over", () =>
      watch.scene("average again", async () => {
        traffic.rate = AVERAGE;
        await watch.until("two pods at most", (s) => s.ready <= 2, 120_000);
      }),
    );

    scene("asks for no more and adds no pod while the provider is unavailable", () =>
      watch.scene("provider away", async () => {
        const before = watch.since(watch.now() - 5);
        const { faults } = system.sandbox;
        faults.clear(slow);
        const outage = faults.order({ provider: "webpush", times: 1e9, do: { kind: "answer", status: 503 } });
        watch.mark("only 503s");
        const from = watch.now();
        await delay(30_000);
        faults.clear(outage);
        watch.mark("answers again");
        slow = faults.order({ provider: "webpush", times: 1e9, do: { kind: "delay", ms: ANSWER_MS } });
        const during = watch.since(from);
        assert.ok(highest(during, (s) => s.oldest) > 20, "deliveries waited");
        assert.ok(
          during.some((s) => s.held),
          "the autoscaler reports that it holds",
        );
        atMost(highest(during, required), 1.15 * Math.max(highest(before, required), 1.1 * AVERAGE), "required");
        atMost(highest(during, wanted), Math.max(highest(before, wanted), highest(before, ready)), "pods wanted");
      }),
    );

    scene("delivers what waited when the provider is back", () =>
      watch.scene("provider back", async () => {
        await watch.until("no delivery older than 5 s", (s) => s.oldest < 5, 120_000);
      }),
    );

    scene("keeps its pods while the metric is missing, at any load", () =>
      watch.scene("metric gone", async () => {
        traffic.rate = 3 * AVERAGE;
        await watch.until("two pods or more", (s) => s.ready >= 2 && s.wanted === s.ready, 60_000);
        await cluster().kubectl(["-n", NAMESPACE, "scale", "deployment", `${RELEASE}-autoscaler`, "--replicas=0"]);
        watch.mark("autoscaler off");
        await watch.until("the HPA says that it cannot scale", (s) => s.scalingActive === false, 60_000);
        const held = watch.timeline.samples.at(-1)!.ready;
        traffic.rate = AVERAGE / 2;
        const from = watch.now();
        await delay(20_000);
        const during = watch.since(from);
        assert.equal(lowest(during, ready), held);
        assert.equal(highest(during, ready), held);
        assert.ok(
          during.every((s) => s.scalingActive === false),
          "ScalingActive is False throughout",
        );
      }),
    );

    scene("scales again when the metric is back", () =>
      watch.scene("metric back", async () => {
        await cluster().kubectl(["-n", NAMESPACE, "scale", "deployment", `${RELEASE}-autoscaler`, "--replicas=1"]);
        watch.mark("autoscaler on");
        await watch.until("one pod, by a metric that is there", (s) => s.scalingActive === true && s.ready === 1, 90_000);
      }),
    );

    scene("replaces every pod under load, at no moment with too few, and each ends by itself", () =>
      watch.scene("rolling update", async () => {
        traffic.rate = 3 * AVERAGE;
        await watch.until("two pods or more", (s) => s.ready >= 2, 60_000);
        const old = system.kubelet.running().map((p) => p.pod);
        const from = watch.now();
        watch.mark("helm upgrade");
        await upgrade({ defaults: { podAnnotations: { "carillon.test/rolled": "yes" } } });
        await watch.until("the old pods are gone", () => system.kubelet.running().every((p) => !old.includes(p.pod)), 120_000);
        const during = watch.since(from);
        assert.ok(lowest(during, ready) >= 1, "some dispatcher is ready at any moment");
        const stopped = system.kubelet.ends.filter((e) => old.includes(e.pod) && e.asked);
        assert.deepEqual(
          stopped.filter((e) => e.how !== "exit 0").map((e) => `${e.pod} ${e.how}`),
          [],
        );
        assert.ok(stopped.length >= old.length - 1, `${stopped.length} of ${old.length} were asked to end`);
      }),
    );

    scene("has lost nothing and sent nothing twice: the store agrees with the provider's ledger", async () => {
      traffic.rate = 0;
      assert.deepEqual(await traffic.stop(30_000), [], "calls without an answer");
      await watch.until("everything has been accepted", (s) => s.open === 0, EMPTY_MS);
      const crashed = system.kubelet.ends.filter((e) => !e.asked).map((e) => `${e.pod} ${e.how}`);
      assert.deepEqual(crashed, [], "processes that ended by themselves");
      const away = watch.timeline.scenes.filter((s) => s.name.startsWith("provider"));
      const well = watch.timeline.samples.filter((s) => !away.some(({ from, to }) => s.at >= from && s.at <= to));
      say(`while the provider was there, the oldest delivery was ${highest(well, (s) => s.oldest).toFixed(1)} s old at most`);
      assert.ok(highest(well, (s) => s.oldest) < LATEST_S, "no delivery waited long while the provider was there");
      const taken = system.sandbox.ledger.acceptances();
      const accepted = new Set(traffic.accepted.keys());
      const twice = [...taken].filter(([, times]) => times > 1).map(([id, times]) => `${id} ${times} times`);
      assert.deepEqual(twice, []);
      assert.deepEqual(
        [...accepted].filter((id) => !taken.has(id)),
        [],
      );
      const audit = await readAudit({ store: system.store, clock: systemClock }, { taken, accepted });
      assert.deepEqual(
        audit.checks.filter((c) => !c.holds).map((c) => `${c.promise}: ${c.detail}`),
        [],
      );
      say(`${accepted.size} accepted, each taken once; ${traffic.repeated} calls made again ${JSON.stringify([...traffic.faults])}`);
    });

    it("draws what happened", () => {
      const { timeline } = watch;
      const last = timeline.scenes.at(-1)?.to ?? 0;
      const drawn = { ...timeline, samples: within(timeline.samples, 0, last) };
      const svg = picture(drawn, {
        title: "One channel in a real control loop",
        subtitle: `HPA controller of Kubernetes 1.36, our autoscaler behind an APIService, nats-server, every pod a process; ${SCALING.targetRatePerPod} tasks/s asked of a pod`,
        ageMax: SCALING.maxAgeMs / 1_000,
      });
      // The picture of a failed run is not for the documentation.
      const file = broken === 0 ? PICTURE : join(system.directory, "..", "carillon-closed-loop-broken.svg");
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, svg);
      say(`drawn: ${file}`);
    });
  });
}

const near = (value: number, wish: number, share: number) =>
  assert.ok(Math.abs(value - wish) <= share * wish, `${value.toFixed(1)} is not within ${share * 100}% of ${wish.toFixed(1)}`);
const atMost = (value: number, bound: number, what: string) =>
  assert.ok(value <= bound, `${what}: ${value.toFixed(1)} is above ${bound.toFixed(1)}`);

/** The HPA's count must be what the formula gives for the rate it read, within its tolerance. */
function followsTheFormula(samples: readonly Sample[]): void {
  const rate = middle(samples, required);
  const pods = middle(samples, wanted);
  const [least, most] = [replicasFor(rate * (1 - 2 * TOLERANCE), SCALING), replicasFor(rate * (1 + 2 * TOLERANCE), SCALING)];
  assert.ok(pods >= least && pods <= most, `${pods} pods for ${rate.toFixed(1)}/s; the formula says ${least} to ${most}`);
  assert.equal(middle(samples, ready), pods, "as many are ready as are wanted");
}
