export { run } from "./version.ts";
