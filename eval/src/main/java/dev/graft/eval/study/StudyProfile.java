package dev.graft.eval.study;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How large a study is and what its grids are. The settings that all share are those of the public cards of the study's models (Savage et al.
 * 2025): AdamW (0.9, 0.999, 1e-8), cosine, a batch of 2 accumulated twice.
 *
 * <p>{@code paper} is the study's own: rates 1e-5 to 1e-8, 100 warmup steps, 1000 steps, all weights.
 *
 * <p>{@code lora} trains adapters (rank 16, alpha 32, on all linear layers) with the rates times 100. Ten of that is what an adapter needs over
 * full fine-tuning to learn alike ("LoRA Without Regret", Thinking Machines 2025, finds about 10 whatever the rank; Biderman et al. 2024, "LoRA
 * Learns Less and Forgets Less", arXiv:2405.09673, find an order of magnitude too). The other ten moves the grid so that all of it is of use: 10 alone
 * would end at 1e-7, with which Adam moves an entry of B by at most 1e-4 in 1000 steps, and B·A does nothing; and the study found its best at 1e-6
 * and saw 1e-5 diverge (DPO, beta .5), so about 1e-5 to 1e-4 is where adapters should be best. 1e-3, 1e-4, 1e-5, 1e-6 has these in the middle, one
 * that may be too hot above and one that may be too cold below, as the study's grid had.
 *
 * <p>{@code quick} is for a coffee break on a small model: two rates that such a one needs, one beta, few rows and steps.
 *
 * @param name as --profile has it  @param full whether all weights are trained  @param rates of SFT and DPO, the highest first  @param betas of DPO
 * @param steps of a sweep's trial  @param evalSteps between evaluations  @param warmup steps  @param batch rows  @param accumulation batches of a step
 * @param rows of each task in all, where Graft makes them; 0 for the study's counts
 */
public record StudyProfile(String name, boolean full, List<Double> rates, List<Double> betas, int steps, int evalSteps, int warmup, int batch, int accumulation, int rows) {
  /** Rank of adapters. */
  public static final int RANK = 16;

  /** Alpha of adapters. */
  public static final int ALPHA = 32;

  private static final List<StudyProfile> ALL = List.of(
      new StudyProfile("paper", true, List.of(1e-5, 1e-6, 1e-7, 1e-8), List.of(0.1, 0.3, 0.5), 1000, 25, 100, 2, 2, 0),
      new StudyProfile("lora", false, List.of(1e-3, 1e-4, 1e-5, 1e-6), List.of(0.1, 0.3, 0.5), 1000, 25, 100, 2, 2, 0),
      new StudyProfile("quick", false, List.of(1e-3, 3e-4), List.of(0.1), 48, 12, 5, 2, 2, 320));

  /** Names of all. */
  public static List<String> names() {
    return ALL.stream().map(StudyProfile::name).toList();
  }

  /** The one of that name. */
  public static Optional<StudyProfile> named(String name) {
    return ALL.stream().filter(profile -> profile.name.equals(name)).findFirst();
  }

  /** The same for adapters: rates that are the paper's become those of lora, others stay. */
  StudyProfile asLora() {
    boolean own = rates.equals(ALL.get(0).rates);
    return new StudyProfile(name, false, own ? ALL.get(1).rates : rates, betas, steps, evalSteps, warmup, batch, accumulation, rows);
  }

  /** The same with other figures, each null for this one's. */
  public StudyProfile with(List<Double> otherRates, List<Double> otherBetas, Integer otherSteps, Integer otherEvalSteps, Integer otherWarmup, Integer otherRows) {
    return new StudyProfile(name, full, or(otherRates, rates), or(otherBetas, betas), or(otherSteps, steps), or(otherEvalSteps, evalSteps), or(otherWarmup, warmup), batch,
        accumulation, or(otherRows, rows));
  }

  private static <T> T or(T value, T other) {
    return value == null ? other : value;
  }

  /** What SFT tries, in order. */
  public List<Candidate> sft() {
    return rates.stream().map(rate -> new Candidate(rate, null)).toList();
  }

  /** What DPO tries, in order. */
  public List<Candidate> dpo() {
    return betas.stream().flatMap(beta -> rates.stream().map(rate -> new Candidate(rate, beta))).toList();
  }

  /** Trainings of one task: each candidate twice. */
  public int trainings() {
    return 2 * (rates.size() + betas.size() * rates.size());
  }

  /** By name, as files and reports have it. */
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("profile", name);
    settings.put("trained", full ? "all weights" : "LoRA, rank " + RANK + ", alpha " + ALPHA + ", all linear layers");
    settings.put("rates", rates.stream().map(Candidate::scientific).toList());
    settings.put("betas", betas);
    settings.put("steps", steps);
    settings.put("eval-steps", evalSteps);
    settings.put("warmup-steps", warmup);
    settings.put("batch", batch + " x accumulation " + accumulation);
    settings.put("schedule", "cosine");
    settings.put("optimizer", "AdamW (0.9, 0.999, 1e-8), no weight decay, gradient clipped at norm 1");
    settings.put("rows", rows == 0 ? "as the task says" : rows);
    return settings;
  }
}
