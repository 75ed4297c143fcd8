package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.prose.Chance;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Vital signs that fit a condition and an age.
 *
 * @param celsius temperature
 * @param pulse a minute
 * @param systolic mm Hg, 0 where it was not taken
 * @param diastolic mm Hg
 * @param breaths a minute
 * @param saturation percent on room air
 */
record Vitals(double celsius, int pulse, int systolic, int diastolic, int breaths, int saturation) {
  /** What {@link #draw} knows. */
  static final List<String> WORDS =
      List.of("normal", "fever", "low_fever", "tachycardia", "bradycardia", "svt", "irregular_tachycardia", "hypotension", "hypertension",
          "severe_hypertension", "high_child_pressure", "tachypnea", "bradypnea", "hypoxia");

  static Vitals draw(List<String> words, Patient patient, SplittableRandom random) {
    double celsius = between(365, 372, random) / 10.0;
    int years = patient.years();
    int pulse = years < 2 ? between(112, 138, random) : years < 13 ? between(84, 106, random) : between(62, 92, random);
    int systolic = years < 2 ? 0 : years < 13 ? between(94, 108, random) : between(112, 134, random);
    int diastolic = years < 13 ? between(56, 66, random) : between(66, 82, random);
    int breaths = years < 2 ? between(28, 38, random) : years < 13 ? between(18, 24, random) : between(12, 18, random);
    int saturation = between(96, 99, random);
    for (String word : words) {
      switch (word) {
        case "normal" -> { }
        case "fever" -> celsius = between(385, 400, random) / 10.0;
        case "low_fever" -> celsius = between(377, 383, random) / 10.0;
        case "tachycardia" -> pulse = years < 2 ? between(152, 176, random) : years < 13 ? between(122, 138, random) : between(103, 124, random);
        case "bradycardia" -> pulse = between(46, 56, random);
        case "svt" -> pulse = between(172, 206, random);
        case "irregular_tachycardia" -> pulse = between(118, 148, random);
        case "hypotension" -> {
          systolic = between(80, 92, random);
          diastolic = between(46, 58, random);
        }
        case "hypertension" -> {
          systolic = between(154, 186, random);
          diastolic = between(92, 106, random);
        }
        case "severe_hypertension" -> {
          systolic = between(164, 182, random);
          diastolic = between(110, 116, random);
        }
        case "high_child_pressure" -> {
          systolic = between(130, 144, random);
          diastolic = between(86, 96, random);
        }
        case "tachypnea" -> breaths = years < 2 ? between(48, 62, random) : years < 13 ? between(32, 42, random) : between(23, 31, random);
        case "bradypnea" -> breaths = between(5, 7, random);
        case "hypoxia" -> saturation = between(85, 91, random);
        default -> throw new IllegalArgumentException("unknown word of vital signs: " + word);
      }
    }
    return new Vitals(celsius, pulse, systolic, diastolic, breaths, saturation);
  }

  private static int between(int low, int high, SplittableRandom random) {
    return random.nextInt(low, high + 1);
  }

  String temperature(SplittableRandom random) {
    long tenthsF = Math.round(celsius * 18) + 320;
    String c = Math.round(celsius * 10) / 10 + "." + Math.round(celsius * 10) % 10;
    String f = tenthsF / 10 + "." + tenthsF % 10;
    return switch (random.nextInt(3)) {
      case 0 -> c + " °C";
      case 1 -> c + "°C (" + f + "°F)";
      default -> f + " °F";
    };
  }

  /** "temperature is 38.1 °C, pulse is 104/min and …": some of them, what is abnormal among them. */
  List<String> phrases(List<String> words, SplittableRandom random) {
    List<String> out = new ArrayList<>();
    boolean bare = random.nextBoolean();
    String is = bare ? " " : " is ";
    if (celsius >= 37.5 || Chance.percent(70, random)) {
      out.add("temperature" + is + temperature(random));
    }
    out.add(Chance.pick(List.of("pulse", "heart rate"), random) + is + pulse + Chance.pick(List.of("/min", " beats/min"), random));
    if (systolic > 0) {
      out.add("blood pressure" + is + systolic + "/" + diastolic + " mm Hg");
    }
    if (words.contains("tachypnea") || words.contains("bradypnea") || Chance.percent(45, random)) {
      out.add("respiratory rate" + is + breaths + "/min");
    }
    if (words.contains("hypoxia") || Chance.percent(30, random)) {
      out.add("oxygen saturation" + is + saturation + "% on room air");
    }
    return out;
  }

  /** {@code T 38.1 °C, HR 104, BP 118/74, RR 18, SpO2 97%}. */
  String clipped(SplittableRandom random) {
    return "T " + temperature(random) + ", " + Chance.pick(List.of("HR ", "P "), random) + pulse
        + (systolic > 0 ? ", BP " + systolic + "/" + diastolic : "") + ", RR " + breaths + ", SpO2 " + saturation + "%";
  }
}
