#!/usr/bin/env node
import { processContext } from "./process-context.js";
import { kt } from "./run.js";

process.exitCode = await kt(process.argv.slice(2), processContext());
