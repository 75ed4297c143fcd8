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

  /** Where an engine cannot hold answers to a form: everything but plain text is refused. */
  ConstraintSource NONE = fields -> {
    for (String name : ResponseFormats.PARAMETERS) {
      JsonNode given = fields.get(name);
      if (!given.isNull() && !(name.equals("response_format") && given.path("type").asText().equals("text"))) {
        throw ApiException.bad(name, "This engine cannot hold an answer to a form; leave out " + name);
      }
    }
    return null;
  };
}
