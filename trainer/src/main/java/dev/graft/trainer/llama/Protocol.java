package dev.graft.trainer.llama;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** What parent and child agree on: one JSON object a line, the child's after a mark, because native code may print on the same pipe. */
final class Protocol {
  /** Starts every line of the child that is meant for the parent. */
  static final String MARK = "\u0002graft\u0003";

  private Protocol() {}

  /** The request to load a model, and its adapter if there is one. */
  static ObjectNode load(LlamaOptions options) {
    ObjectNode load = JsonNodeFactory.instance.objectNode().put("op", "load").put("model", options.model().toAbsolutePath().toString());
    options.adapter().ifPresent(adapter -> load.put("adapter", adapter.toAbsolutePath().toString()));
    return load.put("threads", options.threads()).put("context", options.context());
  }
}
