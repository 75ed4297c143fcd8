package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.ResponseFormats;
import dev.graft.trainer.constrain.TokenConstraint;

/** Makes what an answer is held to, for one model's vocabulary. Threads may share it. */
interface ConstraintSource {
  /**
   * What a request asks for: {@code response_format} as OpenAI has it, or {@code guided_choice}, {@code guided_regex}, {@code guided_json}, {@code guided_grammar} or
   * {@code structured_outputs} as vLLM has them.
   *
   * @return null when nothing
   * @throws ApiException naming the field at fault
   */
  TokenConstraint of(Fields fields);

  /**
   * What {@link ToolUse#held} asks for: an answer that is nothing but calls of functions, or one in which calls follow their schemas.
   *
   * @return null where the engine cannot, and none is forced
   * @throws ApiException naming the schema at fault
   */
  TokenConstraint calls(ToolUse tools);

  /** Where an engine cannot hold answers to a form: everything but plain text is refused. */
  ConstraintSource NONE = new ConstraintSource() {
    @Override
    public TokenConstraint of(Fields fields) {
      for (String name : ResponseFormats.PARAMETERS) {
        JsonNode given = fields.get(name);
        if (!given.isNull() && !(name.equals("response_format") && given.path("type").asText().equals("text"))) {
          throw ApiException.bad(name, "This engine cannot hold an answer to a form; leave out " + name);
        }
      }
      return null;
    }

    @Override
    public TokenConstraint calls(ToolUse tools) {
      if (!tools.forced()) {
        return null;
      }
      throw ApiException.bad("tool_choice", "This engine cannot hold an answer to a form, so it cannot force a call; leave tool_choice at auto");
    }
  };
}
