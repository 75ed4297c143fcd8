package dev.graft.eval.serve;

import dev.graft.trainer.serve.AdapterUse;
import dev.graft.trainer.serve.AnswerEngine;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a server answers with, once it is loaded.
 *
 * @param name the base's, in requests  @param created when it was loaded, in seconds since 1970
 */
record Served(String name, AnswerEngine engine, PromptSource prompts, Vocabulary vocabulary, ConstraintSource constraints, long created) {
  /** What a model may be called. */
  static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}");

  /** The base and each adapter. */
  Set<String> models() {
    Set<String> names = new LinkedHashSet<>(List.of(name));
    names.addAll(engine.adapters());
    return names;
  }

  /** Which adapters answer for a model's name. @throws ApiException when there is none of this name */
  List<AdapterUse> adaptersOf(String model) {
    if (model.equals(name)) {
      return List.of();
    } else if (engine.adapters().contains(model)) {
      return new ArrayList<>(List.of(new AdapterUse(model, 1)));
    }
    throw ApiException.unknownModel(model.length() > 128 ? model.substring(0, 128) + "…" : model);
  }
}
