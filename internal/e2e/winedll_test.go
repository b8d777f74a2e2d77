package e2e

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// giveRandom puts a bcryptprimitives.dll into a Wine folder that has none: Go's
// runtime takes its random numbers there, and Wine has it since 8.13 only. The
// file has no code: its one function is an alias of RtlGenRandom, which takes
// the same arguments.
func giveRandom(t *testing.T, prefix string) {
	t.Helper()
	path := filepath.Join(prefix, "drive_c/windows/system32/bcryptprimitives.dll")
	if _, err := os.Stat(path); err == nil {
		return
	}
	if err := os.WriteFile(path, aliasDLL("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// aliasDLL makes a library for 64-bit Windows that exports one name as an alias
// of another library's function.
func aliasDLL(name, export, alias string) []byte {
	const at, raw = 0x1000, 0x200 // where its section stands in memory and in the file
	type directory struct {
		Flags, Time, Version, Name, Base, Functions, Names, FunctionsAt, NamesAt, OrdinalsAt uint32
		Function, NameAt                                                                     uint32
		Ordinal                                                                              uint16
	}
	d := directory{Base: 1, Functions: 1, Names: 1, FunctionsAt: at + 40, NamesAt: at + 44, OrdinalsAt: at + 48}
	text := uint32(at + binary.Size(d))
	d.Name, d.NameAt = text, text+uint32(len(name))+1
	d.Function = d.NameAt + uint32(len(export)) + 1 // inside the directory: an alias
	var section, out bytes.Buffer
	put := func(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.LittleEndian, v) } // into memory, of fixed size
	put(&section, d)
	section.WriteString(name + "\x00" + export + "\x00" + alias + "\x00")

	out.WriteString("MZ")
	out.Write(make([]byte, 58))
	put(&out, uint32(64))
	out.WriteString("PE\x00\x00")
	put(&out, pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: 240, Characteristics: 0x2022})
	opt := pe.OptionalHeader64{
		Magic: 0x20b, ImageBase: 0x350000000, SectionAlignment: 0x1000, FileAlignment: raw, MajorOperatingSystemVersion: 6, MajorSubsystemVersion: 6,
		SizeOfImage: 2 * at, SizeOfHeaders: raw, Subsystem: 2, DllCharacteristics: 0x140, NumberOfRvaAndSizes: 16,
	}
	opt.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT] = pe.DataDirectory{VirtualAddress: at, Size: uint32(section.Len())}
	put(&out, opt)
	put(&out, pe.SectionHeader32{
		Name: [8]byte{'.', 'e', 'd', 'a', 't', 'a'}, VirtualSize: uint32(section.Len()), VirtualAddress: at,
		SizeOfRawData: raw, PointerToRawData: raw, Characteristics: 0x40000040,
	})
	out.Write(make([]byte, raw-out.Len()))
	out.Write(section.Bytes())
	out.Write(make([]byte, 2*raw-out.Len()))
	return out.Bytes()
}

func TestTheLibraryForWineIsWhole(t *testing.T) {
	f, err := pe.NewFile(bytes.NewReader(aliasDLL("x.dll", "Name", "other.Function")))
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.Sections[0].Data()
	if err != nil || !bytes.Contains(data, []byte("x.dll\x00Name\x00other.Function\x00")) {
		t.Errorf("%v %q", err, data)
	}
}
