package calendar

import (
	"math"
	"time"
)

// equinox is the day of the month of the vernal (March) or autumnal (September)
// equinox in Japan: the day in which the Sun passes 0° or 180° of longitude, as
// 国立天文台 announces it each February for the year after (暦要項). The moment is
// computed as in Jean Meeus, Astronomical Algorithms, chapter 27, which is exact
// to a minute for the years 1000 to 3000, and ΔT as in Espenak and Meeus.
func equinox(year int, month time.Month) int {
	y := float64(year-2000) / 1000
	jde := 2451623.80984 + y*(365242.37404+y*(0.05169+y*(-0.00411-0.00057*y)))
	if month == time.September {
		jde = 2451810.21715 + y*(365242.01767+y*(-0.11575+y*(0.00337+0.00078*y)))
	}
	t := (jde - 2451545) / 36525
	sum := 0.0
	for _, x := range periodic {
		sum += x[0] * cosd(x[1]+x[2]*t)
	}
	w := 35999.373*t - 2.47
	jde += 0.00001 * sum / (1 + 0.0334*cosd(w) + 0.0007*cosd(2*w))
	seconds := (jde-2440587.5)*86400 - deltaT(float64(year)) + 9*3600
	return time.Unix(int64(math.Floor(seconds)), 0).UTC().Day()
}

func cosd(degrees float64) float64 { return math.Cos(degrees * math.Pi / 180) }

// deltaT is terrestrial minus universal time in seconds, as far as anybody can
// tell in advance.
func deltaT(year float64) float64 {
	switch {
	case year < 1986:
		t := year - 1950
		return 29.07 + t*(0.407+t*(-1.0/233+t/2547))
	case year < 2005:
		return 54 + (year-1986)*0.5
	case year < 2050:
		t := year - 2000
		return 62.92 + t*(0.32217+t*0.005589)
	}
	u := (year - 1820) / 100
	return -20 + 32*u*u - 0.5628*math.Max(0, 2150-year)
}

// periodic holds amplitude, phase and frequency of Meeus' table 27.C.
var periodic = [...][3]float64{
	{485, 324.96, 1934.136},
	{203, 337.23, 32964.467},
	{199, 342.08, 20.186},
	{182, 27.85, 445267.112},
	{156, 73.14, 45036.886},
	{136, 171.52, 22518.443},
	{77, 222.54, 65928.934},
	{74, 296.72, 3034.906},
	{70, 243.58, 9037.513},
	{58, 119.81, 33718.147},
	{52, 297.17, 150.678},
	{50, 21.02, 2281.226},
	{45, 247.54, 29929.562},
	{44, 325.15, 31555.956},
	{29, 60.93, 4443.417},
	{18, 155.12, 67555.328},
	{17, 288.79, 4562.452},
	{16, 198.04, 62894.029},
	{14, 199.76, 31436.921},
	{12, 95.39, 14577.848},
	{12, 287.11, 31931.756},
	{12, 320.81, 34777.259},
	{9, 227.73, 1222.114},
	{8, 15.45, 16859.074},
}
