#!/usr/bin/env node
// A file that is there before the build: npm links no command whose file is missing when it installs.
await import("../dist/main.js");
