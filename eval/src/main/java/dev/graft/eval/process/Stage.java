package dev.graft.eval.process;

import java.nio.file.Path;
import java.util.List;

/**
 * A step of something longer: one command of Graft, as a user would type it.
 *
 * @param title what it does, for the user  @param name short, for tables and files  @param arguments of the command
 * @param result file that is there when it is done; only ever whole
 */
public record Stage(String title, String name, List<String> arguments, Path result) {}
