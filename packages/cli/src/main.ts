#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { runCli } from "./run-cli.ts";

process.exitCode = await runCli(process.argv.slice(2));
