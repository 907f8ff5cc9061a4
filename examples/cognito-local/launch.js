// The standard input is a pipe held by the program that starts this one. It
// ends with that program, however that one ends, so no emulator outlives it.
process.stdin.resume().on("end", () => process.exit());

require("cognito-local/lib/bin/start.js");
