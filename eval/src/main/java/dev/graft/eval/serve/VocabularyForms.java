package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.constrain.ConstraintException;
import dev.graft.trainer.constrain.Constraints;
import dev.graft.trainer.constrain.ResponseFormats;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.tokenizer.Vocabulary;

/** Forms over one vocabulary. Its tokens are gone through at the first request that has a form, since most servers never get one. Threads may share it. */
final class VocabularyForms implements ConstraintSource {
  private final Vocabulary vocabulary;
  private Constraints constraints;

  VocabularyForms(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  @Override
  public TokenConstraint of(Fields fields) {
    ObjectNode asked = fields.only(ResponseFormats.PARAMETERS);
    if (asked.isEmpty()) {
      return null;
    }
    try {
      return ResponseFormats.read(asked, constraints());
    } catch (ConstraintException e) {
      throw ApiException.bad(e.parameter().orElse("response_format"), e.getMessage());
    }
  }

  private synchronized Constraints constraints() {
    if (constraints == null) {
      constraints = Constraints.of(vocabulary);
    }
    return constraints;
  }
}
