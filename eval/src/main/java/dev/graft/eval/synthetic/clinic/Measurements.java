package dev.graft.eval.synthetic.clinic;

import dev.graft.eval.synthetic.Dice;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Vital signs of a patient, as text with units, and laboratory values. */
record Measurements(String temperature, String pulse, String bloodPressure, String respirations, String saturation) {
  /** A laboratory value: its names, range in tenths of the unit, decimals and unit. */
  private record Lab(String name, String alias, int low, int high, int decimals, String unit) {
    String text(Dice dice, Map<String, String> facts) {
      int tenths = dice.between(low, high);
      String number = decimals == 0 ? Integer.toString(tenths / 10) : String.format(Locale.ROOT, "%d.%d", tenths / 10, tenths % 10);
      String value = number + (unit.equals("%") ? "%" : " " + unit);
      facts.put(name, value);
      return (dice.chance(0.5) ? name : alias) + " " + value;
    }
  }

  private static final List<Lab> LABS =
      List.of(
          new Lab("creatinine", "Cr", 6, 17, 1, "mg/dL"),
          new Lab("sodium", "Na", 1340, 1440, 0, "mmol/L"),
          new Lab("potassium", "K", 35, 50, 1, "mmol/L"),
          new Lab("hemoglobin", "Hb", 98, 158, 1, "g/dL"),
          new Lab("white cell count", "WBC", 45, 118, 1, "x10^9/L"),
          new Lab("platelets", "Plt", 1500, 3800, 0, "x10^9/L"),
          new Lab("C-reactive protein", "CRP", 10, 450, 0, "mg/L"),
          new Lab("glucose", "Glu", 780, 2100, 0, "mg/dL"),
          new Lab("hemoglobin A1c", "HbA1c", 53, 91, 1, "%"),
          new Lab("urea nitrogen", "BUN", 80, 340, 0, "mg/dL"),
          new Lab("thyroid stimulating hormone", "TSH", 5, 62, 1, "mIU/L"),
          new Lab("alanine aminotransferase", "ALT", 110, 650, 0, "U/L"),
          new Lab("albumin", "Alb", 29, 47, 1, "g/dL"),
          new Lab("ferritin", "ferritin", 90, 2900, 0, "ng/mL"));

  static Measurements of(boolean febrile, Patient patient, Dice dice) {
    int tenths = febrile ? dice.between(380, 394) : dice.between(361, 375);
    int fahrenheit = (tenths * 9 + 2) / 5 + 320;
    String temperature = String.format(Locale.ROOT, dice.chance(0.5) ? "%1$d.%2$d °C" : "%3$d.%4$d °F", tenths / 10, tenths % 10, fahrenheit / 10, fahrenheit % 10);
    int pulse = febrile ? dice.between(88, 112) : dice.between(56, 96);
    int systolic = dice.between(104, patient.age() > 60 ? 164 : 142);
    int diastolic = dice.between(58, Math.min(94, systolic - 32));
    return new Measurements(temperature, Integer.toString(pulse), systolic + "/" + diastolic, Integer.toString(dice.between(12, 20)), dice.between(93, 99) + "%");
  }

  /** Two to four laboratory values; their facts go into the map. */
  String labs(Dice dice, Map<String, String> facts) {
    List<String> values = new ArrayList<>();
    for (Lab lab : dice.some(LABS, dice.between(2, 4))) {
      values.add(lab.text(dice, facts));
    }
    return String.join(", ", values);
  }
}
