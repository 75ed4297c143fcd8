package dev.graft.eval.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an importer read.
 *
 * @param rows that can be used, in file order  @param read how many there were  @param leftOut how many were left out, by reason
 */
record SourceRows(List<SourceRow> rows, int read, Map<String, Integer> leftOut) {
  /** {@code 12 rows, of which 3 were left out as step1}: for messages. */
  String told() {
    StringBuilder told = new StringBuilder(read + (read == 1 ? " row" : " rows"));
    leftOut.forEach((why, n) -> told.append(", ").append(n).append(n == 1 ? " is " : " are ").append(why));
    return told.toString();
  }

  /** The same with one more reason. */
  SourceRows without(String why, int n) {
    Map<String, Integer> more = new LinkedHashMap<>(leftOut);
    if (n > 0) {
      more.merge(why, n, Integer::sum);
    }
    return new SourceRows(rows, read, more);
  }
}
