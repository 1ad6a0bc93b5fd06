/** Outputs of the commands of macOS, composed by hand in their published shapes. */

export const SYSCTL = "hw.logicalcpu: 8\nhw.memsize: 17179869184\nhw.model: MacBookPro18,3\n";

export const VM_STAT = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               14000.
Pages active:                            300000.
Pages inactive:                          290000.
Pages speculative:                         2000.
Pages throttled:                              0.
Pages wired down:                        130000.
Pages purgeable:                          20000.
"Translation faults":                1234567890.
Pages copy-on-write:                   12345678.
File-backed pages:                       180000.
Anonymous pages:                         400000.
Pages stored in compressor:              250000.
Pages occupied by compressor:             90000.
Decompressions:                        10000000.
`;

export const PMSET_BATTERY = `Now drawing from 'Battery Power'
 -InternalBattery-0 (id=4653155)\t83%; discharging; 8:32 remaining present: true
`;

export const PMSET_THERMAL_SILENT = `Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
Note: No CPU power status has been recorded
`;

export const PMSET_THERMAL_INTEL = `Note: No thermal warning level has been recorded
2024-05-02 11:00:04 +0200 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 8
\tCPU_Speed_Limit \t= 62
`;

export const ROUTE_DEFAULT = `   route to: default
destination: default
       mask: default
    gateway: 192.0.2.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
`;

export const HARDWARE_PORTS = `
Hardware Port: Wi-Fi
Device: en0
Ethernet Address: 02:00:00:00:00:01

Hardware Port: USB 10/100/1000 LAN
Device: en5
Ethernet Address: 02:00:00:00:00:02

Hardware Port: iPhone USB
Device: en6
Ethernet Address: 02:00:00:00:00:03

Hardware Port: Thunderbolt 1
Device: en1
Ethernet Address: 02:00:00:00:00:04

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: N/A
`;

/** A laptop on battery and Wi-Fi under moderate thermal pressure. */
export const MACBOOK: Readonly<Record<string, string>> = {
  "sysctl": SYSCTL,
  "vm_stat": VM_STAT,
  "pmset -g batt": PMSET_BATTERY,
  "pmset -g therm": PMSET_THERMAL_SILENT,
  "notifyutil": "com.apple.system.thermalpressurelevel 1\n",
  "route": ROUTE_DEFAULT,
  "networksetup": HARDWARE_PORTS,
};
