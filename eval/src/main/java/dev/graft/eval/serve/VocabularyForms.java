package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.Constraints;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.List;

/** Forms as masks over a vocabulary; what they need of it is made when the first one is asked for. Threads may share it. */
final class VocabularyForms implements ConstraintSource {
  private final Vocabulary vocabulary;
  private Constraints constraints;

  VocabularyForms(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  private synchronized Constraints made() {
    if (constraints == null) {
      constraints = Constraints.of(vocabulary);
    }
    return constraints;
  }

  @Override
  public TokenConstraint choice(List<String> texts) {
    return made().choice(texts);
  }

  @Override
  public TokenConstraint regex(String pattern) {
    return made().regex(pattern);
  }

  @Override
  public TokenConstraint json(JsonNode schema) {
    return schema == null ? made().jsonObject() : made().jsonSchema(schema);
  }
}
