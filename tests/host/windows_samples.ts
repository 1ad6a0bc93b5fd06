/** Answers of the query, composed by hand from the documented classes, with round figures. */

export const WINDOWS_LAPTOP_ANSWER = {
  processors: [{ NumberOfLogicalProcessors: 8 }],
  system: {
    Manufacturer: "LENOVO",
    Model: "20XW",
    PCSystemType: 2,
    TotalPhysicalMemory: 16_777_216_000,
  },
  os: { FreePhysicalMemory: 4_000_000, ProductType: 1, TotalVisibleMemorySize: 16_000_000 },
  chassis: [10],
  batteries: [{ BatteryStatus: 1, EstimatedChargeRemaining: 64 }],
  zones: [
    { HighPrecisionTemperature: 3272, PercentPassiveLimit: 100 },
    { HighPrecisionTemperature: 2982, PercentPassiveLimit: 100 },
  ],
  routes: [{ InterfaceIndex: 14, InterfaceMetric: 35, RouteMetric: 0 }],
  adapters: [
    { HardwareInterface: true, InterfaceIndex: 7, InterfaceType: 6, NdisPhysicalMedium: 14 },
    { HardwareInterface: true, InterfaceIndex: 14, InterfaceType: 71, NdisPhysicalMedium: 9 },
  ],
};

export const WINDOWS_LAPTOP: string = JSON.stringify(WINDOWS_LAPTOP_ANSWER);

/** A guest of Hyper-V: lists that are empty arrive empty, classes without instances as null. */
export const WINDOWS_VM_ANSWER = {
  ...WINDOWS_LAPTOP_ANSWER,
  system: {
    Manufacturer: "Microsoft Corporation",
    Model: "Virtual Machine",
    PCSystemType: 1,
    TotalPhysicalMemory: 4_294_967_296,
  },
  chassis: [3],
  batteries: [],
  zones: null,
  routes: [{ InterfaceIndex: 4, InterfaceMetric: 15, RouteMetric: 0 }],
  adapters: [
    { HardwareInterface: false, InterfaceIndex: 4, InterfaceType: 6, NdisPhysicalMedium: 0 },
  ],
};
