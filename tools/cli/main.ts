#!/usr/bin/env node
/** `mesh`, the operator's command line: `npx mesh …`, or `npm run mesh -- …`. docs/cli.md describes it. */
import { runMesh } from './run.ts'
import { realWorld } from './world.ts'

process.exitCode = await runMesh(process.argv.slice(2), realWorld())
