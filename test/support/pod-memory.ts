// The memory of the chart's pods, for processes that run without a container. deploy/helm/test/pods.chart.ts compares both with the chart.

/** resources.limits.memory: 512Mi. */
export const POD_MEMORY_BYTES = 512 * 1024 * 1024;
/** Its nodeOptions, with 70 % of that memory as MiB: without a container, a percentage would be of the machine's memory. */
export const POD_NODE_OPTIONS = "--max-old-space-size=358 --max-semi-space-size=16";
