package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.constrain.ConstraintException;
import dev.graft.trainer.constrain.Constraints;
import dev.graft.trainer.constrain.Form;
import dev.graft.trainer.constrain.ResponseFormats;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Set;

/** Forms over one vocabulary. Its tokens are gone through at the first request that has a form, since most servers never get one. Threads may share it. */
final class VocabularyForms implements ConstraintSource {
  private final Vocabulary vocabulary;
  private Constraints constraints;
  private Constraints withMarkers;

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
      return ResponseFormats.read(asked, this::constraints);
    } catch (ConstraintException e) {
      throw ApiException.bad(e.parameter().orElse("response_format"), e.getMessage());
    }
  }

  @Override
  public TokenConstraint calls(ToolUse tools) {
    try {
      Form form = tools.support().form(tools);
      return (tools.support().shown().isEmpty() ? constraints() : withMarkers(tools.support().shown())).form(form);
    } catch (ConstraintException e) {
      throw ApiException.bad(e.parameter().orElse(tools.forced() ? "tool_choice" : "tools"), e.getMessage());
    }
  }

  /** Whether the vocabulary was gone through. */
  synchronized boolean prepared() {
    return constraints != null;
  }

  private synchronized Constraints constraints() {
    if (constraints == null) {
      constraints = Constraints.of(vocabulary);
    }
    return constraints;
  }

  /** Where calls are written with special tokens, which no other form may have. */
  private synchronized Constraints withMarkers(Set<Integer> shown) {
    if (withMarkers == null) {
      withMarkers = Constraints.of(vocabulary, shown);
    }
    return withMarkers;
  }
}
