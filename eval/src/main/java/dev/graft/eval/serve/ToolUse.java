package dev.graft.eval.serve;

import dev.graft.trainer.template.ToolCallParser;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What functions an answer may call.
 *
 * @param tools those that it may, at least one  @param most calls that are passed on  @param forced whether the answer must be a call
 */
record ToolUse(ToolSupport support, List<Tool> tools, int most, boolean forced) {
  /** Whether the answer is held to a form: it must be a call, or a call in it must follow a schema. */
  boolean held() {
    return forced || tools.stream().anyMatch(Tool::strict);
  }

  /** A parser for one answer. */
  ToolCallParser parser(ToolCallParser.Sink sink) {
    return new ToolCallParser(support.format(), tools.stream().collect(Collectors.toUnmodifiableMap(Tool::name, Tool::parameters)), most, sink);
  }
}
