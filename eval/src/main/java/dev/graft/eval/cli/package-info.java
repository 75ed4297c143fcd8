/**
 * The command line. {@link dev.graft.eval.cli.Main} parses and runs; each command is a class with a {@link
 * dev.graft.eval.cli.CommonOptions} mixin; what goes wrong becomes one line and an exit code in one place.
 */
package dev.graft.eval.cli;
