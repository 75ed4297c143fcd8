package dev.graft.eval.bench;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.graft.bindings.PackedBatch;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.plan.BatchShape;
import dev.graft.trainer.score.PairBatches;
import java.util.function.Function;

/** The three ways to spend time on a pair that {@code graft bench dpo} compares. */
enum DpoBenchMethod {
  /** (a) Supervised training on the prompt and the chosen answer. */
  SFT("sft", BatchShape::ofChosen),
  /** (b) DPO: the prompt computed once for both answers, the reference's log-probabilities from the cache. */
  DPO("dpo", BatchShape::shared),
  /** (c) DPO: two whole sequences, the reference computed in each step. */
  PLAIN_DPO("plain_dpo", BatchShape::apart);

  private final String key;
  private final Function<PreferenceExample, BatchShape> shape;

  DpoBenchMethod(String key, Function<PreferenceExample, BatchShape> shape) {
    this.key = key;
    this.shape = shape;
  }

  /** Name in JSON. */
  @JsonValue
  String key() {
    return key;
  }

  /** What a pair's training passes compute. */
  BatchShape shape(PreferenceExample pair) {
    return shape.apply(pair);
  }

  /** Adds a pair; its targets are the chosen answer's tokens, then (not for SFT) the rejected one's. */
  void add(PackedBatch.Builder batch, PreferenceExample pair) {
    switch (this) {
      case SFT -> PairBatches.addApart(batch, pair.prompt(), pair.chosen());
      case DPO -> PairBatches.addTogether(batch, pair.prompt(), pair.chosen(), pair.rejected());
      case PLAIN_DPO -> PairBatches.addApart(batch, pair.prompt(), pair.chosen(), pair.rejected());
    }
  }
}
