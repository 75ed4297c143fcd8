package dev.graft.eval.task;

import dev.graft.eval.synthetic.Split;
import java.util.Map;
import java.util.Optional;

/**
 * A row as it will be written.
 *
 * @param line of the file it came from  @param id its own  @param prompt what is asked  @param completion the right answer  @param rejected a wrong one
 * @param fields further fields of the written row  @param passage text in which rows of different splits must not be nearly alike
 * @param split where the file puts it, or empty where chance does
 */
record TaskRow(int line, String id, String prompt, String completion, String rejected, Map<String, Object> fields, String passage, Optional<Split> split) {}
