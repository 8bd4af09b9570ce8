#!/usr/bin/env node
console.log(process.version, process.argv, process.cwd(), process.env.PATH);
