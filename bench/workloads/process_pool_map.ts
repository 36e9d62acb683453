export { processes as workload } from "./pool_map.ts";
