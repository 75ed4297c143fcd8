package dev.graft.eval.synthetic.clinic;

/** Whom something can concern: a sex (null for both) and a range of ages, both ends included. */
public record Who(Sex sex, int minAge, int maxAge) {
  /** Everyone. */
  public static final Who ANYONE = new Who(null, 0, 120);

  static Who of(String sex, String ages) {
    String[] range = ages.split("-");
    Sex only = switch (sex) {
      case "any" -> null;
      case "F" -> Sex.FEMALE;
      case "M" -> Sex.MALE;
      default -> throw new IllegalStateException("sex must be any, F or M, not " + sex);
    };
    return new Who(only, Integer.parseInt(range[0]), Integer.parseInt(range[1]));
  }

  /** True when it can concern that patient. */
  public boolean fits(Patient patient) {
    return (sex == null || sex == patient.sex()) && patient.age() >= minAge && patient.age() <= maxAge;
  }

  /** True when it can concern anyone of the sex, or of either. */
  public boolean anyone() {
    return sex == null && minAge <= 18 && maxAge >= 90;
  }
}
