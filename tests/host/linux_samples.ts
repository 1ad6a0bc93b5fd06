/** Files of Linux machines, composed by hand in the shapes the kernel prints, with round figures. */

export const PROC_STAT = `cpu  1000 0 500 8000 500 0 0 0 0 0
cpu0 500 0 250 4000 250 0 0 0 0 0
cpu1 250 0 125 2000 125 0 0 0 0 0
cpu2 150 0 75 1000 75 0 0 0 0 0
cpu3 100 0 50 1000 50 0 0 0 0 0
intr 61530 0 9 0 0 0
ctxt 990473
btime 1062191376
processes 2915
`;

/** 1,000 ticks later on the four processors together, 250 of them busy: 25 %. */
export const PROC_STAT_LATER = `cpu  1150 0 600 8700 550 0 0 0 0 0
cpu0 500 0 250 4000 250 0 0 0 0 0
cpu1 250 0 125 2000 125 0 0 0 0 0
cpu2 150 0 75 1000 75 0 0 0 0 0
cpu3 100 0 50 1000 50 0 0 0 0 0
`;

export const PROC_MEMINFO = `MemTotal:        8000000 kB
MemFree:         1000000 kB
MemAvailable:    6000000 kB
Buffers:          200000 kB
Cached:          4000000 kB
SwapCached:            0 kB
`;

export const PROC_NET_ROUTE =
  `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;

export const PROC_NET_IPV6_ROUTE =
  `00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000005 00000000 00000003     eth1
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`;

/** A laptop on battery, on Wi-Fi, at 62 degrees, on the bare machine. */
export const LAPTOP: Readonly<Record<string, string>> = {
  "/proc/stat": PROC_STAT,
  "/proc/meminfo": PROC_MEMINFO,
  "/proc/self/cgroup": "0::/user.slice/app.service\n",
  "/sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
  "/sys/fs/cgroup/user.slice/memory.max": "max\n",
  "/proc/net/route": PROC_NET_ROUTE,
  "/sys/class/net/wlan0/type": "1\n",
  "/sys/class/net/wlan0/uevent": "DEVTYPE=wlan\nINTERFACE=wlan0\nIFINDEX=3\n",
  "/sys/class/net/wlan0/phy80211/name": "phy0\n",
  "/sys/class/net/wlan0/device/vendor": "0x8086\n",
  "/sys/class/dmi/id/chassis_type": "10\n",
  "/sys/class/dmi/id/sys_vendor": "LENOVO\n",
  "/sys/class/dmi/id/product_name": "20XW\n",
  "/sys/class/power_supply/AC/type": "Mains\n",
  "/sys/class/power_supply/AC/online": "0\n",
  "/sys/class/power_supply/BAT0/type": "Battery\n",
  "/sys/class/power_supply/BAT0/present": "1\n",
  "/sys/class/power_supply/BAT0/capacity": "41\n",
  "/sys/class/power_supply/BAT0/status": "Discharging\n",
  "/sys/class/power_supply/BAT0/energy_full": "50000000\n",
  "/sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
  "/sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
  "/sys/class/power_supply/hidpp_battery_0/capacity": "5\n",
  "/sys/class/power_supply/hidpp_battery_0/status": "Discharging\n",
  "/sys/class/thermal/thermal_zone0/type": "acpitz\n",
  "/sys/class/thermal/thermal_zone0/temp": "48000\n",
  "/sys/class/thermal/thermal_zone0/trip_point_0_type": "critical\n",
  "/sys/class/thermal/thermal_zone0/trip_point_0_temp": "128000\n",
  "/sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
  "/sys/class/thermal/thermal_zone1/temp": "62000\n",
  "/sys/class/thermal/thermal_zone1/trip_point_0_type": "passive\n",
  "/sys/class/thermal/thermal_zone1/trip_point_0_temp": "-274000\n",
  "/sys/class/thermal/cooling_device0/type": "Processor\n",
};

/** A Raspberry Pi without batteries or DMI. */
export const PI: Readonly<Record<string, string>> = {
  "/proc/stat": PROC_STAT,
  "/proc/meminfo": PROC_MEMINFO,
  "/proc/self/cgroup": "0::/\n",
  "/proc/net/route": "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
  "/sys/class/net/eth0/type": "1\n",
  "/sys/class/net/eth0/uevent": "INTERFACE=eth0\nIFINDEX=2\n",
  "/sys/class/net/eth0/device/modalias": "of:NethernetT\n",
  "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
  "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
  "/sys/class/thermal/thermal_zone0/temp": "51608\n",
  "/sys/class/thermal/thermal_zone0/trip_point_0_type": "critical\n",
  "/sys/class/thermal/thermal_zone0/trip_point_0_temp": "110000\n",
  "/sys/devices/platform/soc/soc:firmware/get_throttled": "50004\n",
};
