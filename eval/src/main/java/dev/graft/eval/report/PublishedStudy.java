package dev.graft.eval.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a published study reported, to stand beside our results. Immutable.
 *
 * @param source its citation  @param models that it tuned  @param outcomes by name  @param hardware that its minutes are of
 * @param minutes of 1000 steps, by task
 */
public record PublishedStudy(String source, List<String> models, Map<String, Reported> outcomes, String hardware, Map<String, Minutes> minutes) {
  private static final String FOLDER = "/dev/graft/eval/report/";

  /** An outcome: its metric, and for each model the values of base, SFT and DPO. */
  public record Reported(String title, String metric, Map<String, List<Double>> values) {}

  /** Minutes of 1000 optimizer steps. */
  public record Minutes(double sft, double dpo) {
    /** DPO's over SFT's. */
    public double ratio() {
      return dpo / sft;
    }
  }

  /** The study of this name, if Graft carries its numbers. */
  public static Optional<PublishedStudy> of(String study) {
    if (study == null || !study.matches("[a-z0-9]+")) {
      return Optional.empty();
    }
    try (InputStream in = PublishedStudy.class.getResourceAsStream(FOLDER + study + ".yaml")) {
      return in == null ? Optional.empty() : Optional.of(read(new YAMLMapper().readTree(in)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static PublishedStudy read(JsonNode yaml) {
    List<String> models = new ArrayList<>();
    yaml.path("models").forEach(model -> models.add(model.asText()));
    Map<String, Reported> outcomes = new LinkedHashMap<>();
    yaml.path("outcomes").properties().forEach(outcome -> {
      Map<String, List<Double>> values = new LinkedHashMap<>();
      for (String model : models) {
        List<Double> three = new ArrayList<>();
        outcome.getValue().path(model).forEach(value -> three.add(value.asDouble()));
        values.put(model, List.copyOf(three));
      }
      outcomes.put(outcome.getKey(), new Reported(outcome.getValue().path("title").asText(), outcome.getValue().path("metric").asText(), values));
    });
    Map<String, Minutes> minutes = new LinkedHashMap<>();
    yaml.path("minutes_per_1000_steps").properties().forEach(task ->
        minutes.put(task.getKey(), new Minutes(task.getValue().path("sft").asDouble(), task.getValue().path("dpo").asDouble())));
    return new PublishedStudy(yaml.path("source").asText(), List.copyOf(models), outcomes, yaml.path("hardware").asText(), minutes);
  }
}
